package attribute

import (
	"maps"
	"strings"
	"testing"
)

// The rows were run through AttributeUtil of 5.5.0.
func TestAlter(t *testing.T) {
	type attrs = map[string]string
	tests := []struct {
		set     Set
		create  bool
		current attrs
		wished  attrs
		want    attrs
		wantErr string
	}{
		{Topic, true, nil, nil, attrs{}, ""},
		{Topic, true, nil, attrs{"+queue.type": "BatchCQ"}, attrs{"queue.type": "BatchCQ"}, ""},
		{Topic, true, nil, attrs{"message.type": "FIFO"}, nil, "only add attribute is supported while creating topic. key: essage.type"},
		{Topic, true, nil, attrs{"-message.type": "FIFO"}, nil, "only add attribute is supported while creating topic. key: message.type"},
		{Topic, true, nil, attrs{"+nope": "FIFO"}, nil, "unsupported key: nope"},
		{Topic, true, nil, attrs{"+": "x"}, nil, "kv string format wrong."},
		{Topic, true, nil, attrs{"++a": "x"}, nil, "kv string format wrong."},
		{Topic, true, nil, attrs{"": "x"}, nil, "kv string format wrong."},
		{Topic, false, attrs{"queue.type": "BatchCQ"}, attrs{"+queue.type": "SimpleCQ"}, nil, "attempt to update an unchangeable attribute. key: queue.type"},
		{Topic, false, attrs{"queue.type": "BatchCQ"}, attrs{"-queue.type": ""}, nil, "attempt to update an unchangeable attribute. key: queue.type"},
		{Topic, false, nil, attrs{"+queue.type": "SimpleCQ"}, nil, "attempt to update an unchangeable attribute. key: queue.type"},
		{Topic, false, nil, attrs{"-message.type": ""}, nil, "attempt to delete a nonexistent key: message.type"},
		{Topic, false, nil, attrs{"message.type": "FIFO"}, nil, "wrong format key: essage.type"},
		{Topic, false, attrs{"message.type": "FIFO", "queue.type": "BatchCQ"}, attrs{"-message.type": ""}, attrs{"queue.type": "BatchCQ"}, ""},
		{Topic, false, attrs{"message.type": "FIFO"}, attrs{"+message.type": "DELAY"}, attrs{"message.type": "DELAY"}, ""},
		{Topic, false, attrs{"message.type": "FIFO"}, attrs{"+message.type": "BAD"}, nil, "value is not in set: [UNSPECIFIED, MIXED, TRANSACTION, PRIORITY, FIFO, DELAY, LITE, NORMAL]"},
		{Topic, false, attrs{"message.type": "FIFO"}, attrs{"+message.type": "DELAY", "-message.type": ""}, nil, "alter duplication key. key: message.type"},
		{Topic, true, nil, attrs{"+lite.topic.expiration": "43201"}, nil, "value is not in range(-1, 43200)"},
		{Topic, true, nil, attrs{"+lite.topic.expiration": "+7"}, attrs{"lite.topic.expiration": "+7"}, ""},
		{Topic, true, nil, attrs{"+reserve.time": "x"}, nil, `For input string: "x"`},
		{Topic, true, nil, attrs{"+reserve.time": "99999999999999999999"}, nil, `For input string: "99999999999999999999"`},
		{Group, true, nil, attrs{"+priority.factor": "101"}, nil, "value is not in range(0, 100)"},
		{Group, true, nil, attrs{"+lite.sub.reset.offset.exclusive": "TRUE"}, attrs{"lite.sub.reset.offset.exclusive": "TRUE"}, ""},
		{Group, true, nil, attrs{"+lite.sub.reset.offset.exclusive": "yes"}, nil, "boolean attribute format is wrong."},
		{Group, true, nil, attrs{"+lite.bind.topic": ""}, attrs{"lite.bind.topic": ""}, ""},
		{Group, true, nil, attrs{"+lite.sub.model": "Both"}, nil, "value is not in set: [Shared, Exclusive]"},
	}
	for _, tt := range tests {
		before := maps.Clone(tt.current)
		got, err := tt.set.Alter(tt.create, tt.current, tt.wished)
		if tt.wantErr != "" {
			if err == nil || err.Error() != tt.wantErr {
				t.Errorf("Alter(%t, %v, %v) error = %v, want %s", tt.create, tt.current, tt.wished, err, tt.wantErr)
			}
			continue
		}
		if err != nil || !maps.Equal(got, tt.want) {
			t.Errorf("Alter(%t, %v, %v) = %v, %v, want %v", tt.create, tt.current, tt.wished, got, err, tt.want)
		}
		if !maps.Equal(tt.current, before) {
			t.Errorf("Alter changed the current attributes to %v", tt.current)
		}
	}
}

// Whatever an attribute is by default must itself be a value of it.
func TestDefaultsAreValid(t *testing.T) {
	for _, set := range []Set{Topic, Group} {
		for name, def := range set {
			if def.Default == "" && !strings.HasPrefix(name, "lite.") {
				t.Errorf("%s has no default", name)
			}
			if err := def.Verify(def.Default); err != nil {
				t.Errorf("%s: default %q: %v", name, def.Default, err)
			}
		}
	}
}
