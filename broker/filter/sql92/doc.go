// Package sql92 reads the selectors that consumers write in RocketMQ's SQL92 and
// judges messages by them.
//
// Grammar, three-valued logic, conversions and the texts of refusals are those
// of the official 5.5.0 (module rocketmq-filter), whose verdicts on some 1,600
// expressions are in testdata. Four of its habits surprise:
//
//   - Properties are text. Beside a whole number they are read as one of its
//     width, beside a fraction as a fraction; text that is no such number is a
//     fault, and a fault anywhere decides the whole expression: the message is
//     not wanted, whatever an OR further right would say.
//   - Reading ends where no operator follows: "a LIKE 'x'" asks whether the
//     property a is the boolean true, which text never is.
//   - A property in place of a condition is false when it is there, null when
//     it is not.
//   - A number literal 0.0 is refused, since it is less than the smallest one.
//
// The package knows neither messages nor subscriptions.
package sql92
