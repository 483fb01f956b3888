package remoting

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	poisonLent = true
	goleak.VerifyTestMain(m)
}
