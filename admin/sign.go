package admin

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/codec"
)

// Credentials are what a request is signed with: the user's name and password, which
// upstream's clients call access key and secret key.
type Credentials struct {
	AccessKey     string
	SecretKey     string
	SecurityToken string // may be empty
}

// sign adds the ext fields of upstream's AclClientRPCHook: the signature is the
// HMAC-SHA1, in base64, of the values of all other ext fields in the order of their
// keys, followed by the body.
func (s *Credentials) sign(cmd *codec.Command) {
	fields := fieldList{}
	if cmd.Header != nil {
		cmd.Header.WriteFields(&fields)
		cmd.Header = nil
	}
	fields = append(fields, cmd.Ext...)
	fields = append(fields, codec.Field{Key: "AccessKey", Value: s.AccessKey})
	if s.SecurityToken != "" {
		fields = append(fields, codec.Field{Key: "SecurityToken", Value: s.SecurityToken})
	}
	slices.SortStableFunc(fields, func(a, b codec.Field) int { return cmp.Compare(a.Key, b.Key) })
	mac := hmac.New(sha1.New, []byte(s.SecretKey))
	for _, f := range fields {
		mac.Write([]byte(f.Value))
	}
	mac.Write(cmd.Body)
	cmd.Ext = append(codec.Fields(fields), codec.Field{Key: "Signature", Value: base64.StdEncoding.EncodeToString(mac.Sum(nil))})
}

// fieldList collects the fields of a header.
type fieldList []codec.Field

// WriteString adds a field.
func (l *fieldList) WriteString(key, value string) {
	*l = append(*l, codec.Field{Key: key, Value: value})
}

// WriteInt adds a number.
func (l *fieldList) WriteInt(key string, value int64) {
	l.WriteString(key, strconv.FormatInt(value, 10))
}

// WriteBool adds a truth value.
func (l *fieldList) WriteBool(key string, value bool) { l.WriteString(key, strconv.FormatBool(value)) }
