package remoting

import (
	"fmt"
	"testing"

	"github.com/gantrymq/gantry/protocol"
)

func TestTableRefusesMistakes(t *testing.T) {
	for want, routes := range map[string][]Route{
		"two routes serve SEND_MESSAGE (10)":            {{Code: 10, Handle: echo}, {Code: 10, Handle: echo}},
		"two routes serve LITE (200070)":                {{Code: 200070, Handle: echo}, {Code: 200070, Name: "LITE", Handle: echo}},
		"route PULL_MESSAGE (11) has no handler":        {{Code: 11}},
		"route 123456 (123456) has no handler":          {{Code: 123456}},
		"two routes serve -1 (-1)":                      {{Code: -1, Handle: echo}, {Code: -1, Handle: echo}},
		"two routes serve GET_ROUTEINFO_BY_TOPIC (105)": {{Code: 105, Handle: echo}, {Code: 106, Handle: echo}, {Code: 105, Handle: echo}},
	} {
		if _, err := NewTable(routes...); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestDefaultRouteAndWrap(t *testing.T) {
	inner := table(t, Route{Code: 10, Handle: echo}, Route{Code: 200070, Handle: echo})
	inner.SetDefault(Route{Name: "ADMIN", Handle: func(r *Request) error { return Errorf(7, "code %d", r.Code) }})
	var wrapped []string
	outer := inner.Wrap(func(route Route, next Handler) Handler {
		wrapped = append(wrapped, route.Name)
		return func(r *Request) error {
			if len(r.Body) > 3 {
				return Errorf(protocol.ResponseNoPermission, "%s refused", route.Name)
			}
			return next(r)
		}
	})
	if len(wrapped) != 3 {
		t.Errorf("wrapped %v", wrapped)
	}
	if outer.Lookup(10) == nil || outer.Lookup(200070) == nil || outer.Lookup(11) != nil {
		t.Error("Lookup counts wrongly")
	}
	s := startServer(t, ServerOptions{}, outer)
	w := dial(t, s.addr)
	for _, c := range []struct {
		code       protocol.RequestCode
		body, want string
	}{
		{10, "abc", "0 abc"}, {10, "abcd", "16 SEND_MESSAGE refused"}, {200070, "abc", "0 abc"},
		{11, "", "7 code 11"}, {11, "abcd", "16 ADMIN refused"},
	} {
		w.send(encode(request(c.code, 1, c.body)))
		if f := w.frame(); fmt.Sprintf("%d %s%s", f.Code, f.Remark, f.Body) != c.want {
			t.Errorf("code %v, body %q: %d %s%s, want %s", c.code, c.body, f.Code, f.Remark, f.Body, c.want)
		}
	}
}
