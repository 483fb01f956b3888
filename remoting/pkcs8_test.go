package remoting

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// One key under the password "secret", written by
// openssl pkcs8 -topk8 -v2 CIPHER [-v2prf hmacWithSHA1 | -scrypt].
var encryptedKeys = map[string]string{
	"aes256": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhN1bf7PPt5HgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENw79Yghpbf0MqKGGEYw51AEgZD4
/ThYJnevEBCdyac09Pg1gW3pbLx6btt7P874V3ClhNFGQlzRlmvHgaZUzTffXoHL
K+6tyXeulwhvZ+u+D2vZMOmBRDRnjBFl6WZtIySvXd4mxKfpkXcUlyRVeLbYyJRH
ylgzVxTNTojtsGfuJZFdsudhDdTMspoYhScBAFNrXyxMxLFS695CXLATfN0JDPY=
-----END ENCRYPTED PRIVATE KEY-----
`,
	"aes128-sha1": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHeMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAhr7SZoDC1yCwICCAAw
HQYJYIZIAWUDBAECBBDuc1aJV+mvRI26leVZBWl4BIGQUkrdD6u2UZkevSpc/cYr
+rbalbYsApbDg9kgE6Fjl2PtuE7VXRB93/Ke6m7ql05E1GQs39jcEP7ArDzQPHWj
Y5o0Mh1rrvNluG6djL2xQkeoNv7faw7n6eucFH1/Y8RW2NpuQRj0raWMF3rOkYjq
2YZWZHBqFHbhQLGFNjtY8KkxUeRorDLkimjCjm3sC2qF
-----END ENCRYPTED PRIVATE KEY-----
`,
	"des3": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAh9QTYmMe+20AICCAAw
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIEzVWQxmORe0EgZD7IuI94tNeRJZ1
caE5CkvEOBHK4GWFB1KHeonF9Q7LPEZ34kjvi9OSfYuo0WvXPfcvHvNnmn/A3bTQ
XaMCusWmWxYH0i5v3cIlUJB23i5jUUvfwbSsk2LdiQVrhGPNkwo/2AGMkQFSKDij
eF2h87HYA19TvDfz05vZ1MLERfPJGzx3XmJkgdsX1D3uk8eKV/Y=
-----END ENCRYPTED PRIVATE KEY-----
`,
	"scrypt": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAjbUc852ZVexgICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBBeof49c+Z0tra5ldYPT67yBIGQFkxIJWeq5QuT
FhGVbKr6okyUuuJzdNsVvhL5AqGRlcjAFhLr2D6QR3kWH+ZiqaN8qFfHBK3wmu3l
MomwXZDdRrQkvmW1ls9TynUo5B5CnxOHYsXdh7KiWjm0lkDR9vc+/2ETFaFbZFfb
3gCGdyQ2Qdn9b0g1wDlUbpPtO6mvo7K+aiZ/vnGICL3Cb7h+oYbb
-----END ENCRYPTED PRIVATE KEY-----
`,
}

func TestEncryptedKeys(t *testing.T) {
	var first []byte
	for name, text := range encryptedKeys {
		block, _ := pem.Decode([]byte(text))
		der, err := openPKCS8(block.Bytes, "secret")
		if name == "scrypt" {
			if err == nil || !strings.Contains(err.Error(), "openssl pkcs8") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := x509.ParsePKCS8PrivateKey(der); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if first == nil {
			first = der
		}
		if !bytes.Equal(der, first) {
			t.Errorf("%s holds another key", name)
		}
		for _, password := range []string{"wrong", ""} {
			if _, err := plainKey([]byte(text), password); err == nil || !strings.Contains(err.Error(), "password") {
				t.Errorf("%s with the password %q: %v", name, password, err)
			}
		}
	}
	const clear = "-----BEGIN PRIVATE KEY-----\n"
	if got, err := plainKey([]byte(clear), "secret"); err != nil || string(got) != clear {
		t.Errorf("a key in the clear becomes %q, %v", got, err)
	}
}

func FuzzOpenPKCS8(f *testing.F) {
	for _, text := range encryptedKeys {
		block, _ := pem.Decode([]byte(text))
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if len(der) > 4096 || bytes.Contains(der, []byte{2, 3}) { // numbers of three bytes: rounds that take long
			return
		}
		if plain, err := openPKCS8(der, "secret"); err == nil && len(plain) >= len(der) {
			t.Errorf("%d bytes came out of %d", len(plain), len(der))
		}
	})
}
