package javaclient

import (
	"strings"

	"github.com/gantrymq/gantry/conformance"
)

// propertyFilters switches SQL92 on; it is off by default.
var propertyFilters = conformance.Settings{Broker: map[string]string{"enablePropertyFilter": "true"}}

func sqlFilter(k *kit) {
	p := k.producer(nil)
	topic := k.topic(p, 2)
	for _, price := range []string{"5", "15", "25.5", "much"} {
		k.send(p, message{Topic: topic, Body: []byte("price " + price), Tags: "T", Properties: map[string]string{"price": price, "colour": "blue"}}, nil)
	}
	k.send(p, message{Topic: topic, Body: []byte("no price"), Properties: map[string]string{"colour": "red"}}, nil)
	k.wantTexts(k.push(k.Group(), topic, args{"sql": "price BETWEEN 4.5 AND 20.5 AND colour = 'blue'"}), []string{"price 15", "price 5"})
	k.wantTexts(k.push(k.Group(), topic, args{"sql": "price IS NULL OR colour IN ('blue') AND price CONTAINS 'uc'"}), []string{"no price", "price much"})
	k.wantTexts(k.push(k.Group(), topic, args{"sql": "TAGS = 'T' AND NOT (price = 'much')"}), []string{"price 15", "price 25.5", "price 5"})
	const subscriptionParseFailed = 23
	_, err := k.driver.Push(k.ctx, k.nameSrv, k.Group(), topic, args{"sql": "price BETWEEN 20 AND 10"})
	e := k.wantError(err, "MQClientException", subscriptionParseFailed)
	if want := "left value(20) must less than or equal to right value(10)"; !strings.Contains(e.Remark, want) {
		k.Errorf("the client said %q, want %q", e.Remark, want)
	}
}
