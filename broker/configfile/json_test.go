package configfile

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestDecodeNumericKeys(t *testing.T) {
	const text = "{\n\t\"a@1:2\":{\n\t\t0:12,\n\t\t-1 : 7\n\t},\n\t\"q\\\"3:\":{\"5\":6},\"n\":{}}"
	want := map[string]map[int32]int64{"a@1:2": {0: 12, -1: 7}, `q"3:`: {5: 6}, "n": {}}
	var got map[string]map[int32]int64
	if err := DecodeJSON([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("DecodeJSON = %v, %v, want %v", got, err, want)
	}
}

// The texts were written by RemotingSerializable.toJson(…, true) of 5.5.0.
func TestEncodeLayout(t *testing.T) {
	v := struct {
		Empty   map[string]int `json:"empty"`
		Name    string         `json:"name"`
		None    []string       `json:"none"`
		Numbers []int          `json:"numbers"`
		Words   []string       `json:"words"`
	}{map[string]int{}, "a,{\"}\\:<&>", []string{}, []int{1000, -5000}, []string{"x", "y"}}
	const want = "{\n\t\"empty\":{},\n\t\"name\":\"a,{\\\"}\\\\:<&>\",\n\t\"none\":[],\n\t\"numbers\":[1000,-5000],\n\t\"words\":[\n\t\t\"x\",\n\t\t\"y\"\n\t]\n}"
	got, err := EncodeJSON(v)
	if err != nil || string(got) != want {
		t.Errorf("EncodeJSON = %s, %v, want %s", got, err, want)
	}
}

func FuzzQuoteNumericKeys(f *testing.F) {
	f.Add([]byte(`{"a":{0:1,"b":[1,-2]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if json.Valid(b) && string(quoteNumericKeys(b)) != string(b) {
			t.Errorf("%q became %q", b, quoteNumericKeys(b))
		}
	})
}
