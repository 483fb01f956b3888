package protocol

// RetryPolicyType names the way the pauses between a group's retries grow.
type RetryPolicyType string

// The retry policies of a group.
const (
	RetryExponential RetryPolicyType = "EXPONENTIAL"
	RetryCustomized  RetryPolicyType = "CUSTOMIZED"
)

// JSONNames lists the policies in upstream's order.
func (RetryPolicyType) JSONNames() []string {
	return []string{string(RetryExponential), string(RetryCustomized)}
}

// GroupRetryPolicy chooses the pauses between a group's retries. A broker only
// keeps it: it is for proxies, which hand it to their clients. What a broker
// delays by itself follows the levels of messageDelayLevel.
type GroupRetryPolicy struct {
	CustomizedRetryPolicy  *CustomizedRetryPolicy  `json:"customizedRetryPolicy,omitempty"`
	ExponentialRetryPolicy *ExponentialRetryPolicy `json:"exponentialRetryPolicy,omitempty"`
	Type                   RetryPolicyType         `json:"type,omitempty"`
}

// ReadJSON gives an absent type the value CUSTOMIZED.
func (p *GroupRetryPolicy) ReadJSON(read func(any) error) error {
	type plain GroupRetryPolicy
	return readOver((*plain)(p), plain{Type: RetryCustomized}, read)
}

// UnmarshalJSON is ReadJSON for standard text.
func (p *GroupRetryPolicy) UnmarshalJSON(b []byte) error { return p.ReadJSON(standard(b)) }

// CustomizedRetryPolicy lists the pauses (ms) before each retry.
type CustomizedRetryPolicy struct {
	Next []int64 `json:"next,omitzero"`
}

// ReadJSON gives an absent list the pauses of the standard delay levels.
func (p *CustomizedRetryPolicy) ReadJSON(read func(any) error) error {
	type plain CustomizedRetryPolicy
	const second, minute, hour = 1000, 60 * 1000, 60 * 60 * 1000
	return readOver((*plain)(p), plain{Next: []int64{
		1 * second, 5 * second, 10 * second, 30 * second, 1 * minute, 2 * minute, 3 * minute, 4 * minute, 5 * minute,
		6 * minute, 7 * minute, 8 * minute, 9 * minute, 10 * minute, 20 * minute, 30 * minute, 1 * hour, 2 * hour,
	}}, read)
}

// UnmarshalJSON is ReadJSON for standard text.
func (p *CustomizedRetryPolicy) UnmarshalJSON(b []byte) error { return p.ReadJSON(standard(b)) }

// ExponentialRetryPolicy multiplies the pause (ms) from retry to retry.
type ExponentialRetryPolicy struct {
	Initial    int64 `json:"initial"`
	Max        int64 `json:"max"`
	Multiplier int64 `json:"multiplier"`
}

// ReadJSON gives what the text leaves out the value that upstream's class
// starts with.
func (p *ExponentialRetryPolicy) ReadJSON(read func(any) error) error {
	type plain ExponentialRetryPolicy
	return readOver((*plain)(p), plain{Initial: 5_000, Max: 7_200_000, Multiplier: 2}, read)
}

// UnmarshalJSON is ReadJSON for standard text.
func (p *ExponentialRetryPolicy) UnmarshalJSON(b []byte) error { return p.ReadJSON(standard(b)) }
