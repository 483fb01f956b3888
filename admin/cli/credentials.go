package cli

import (
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/gantrymq/gantry/admin"
)

// credentials finds what to sign requests with: the options, else the file that the
// official tool reads, conf/tools.yml below ROCKETMQ_HOME. Nil when there is neither.
func credentials(env Env, call *Call) (*admin.Credentials, error) {
	if call.Has("accessKey") != call.Has("secretKey") {
		return nil, Usagef("--accessKey and --secretKey go together")
	}
	if call.Has("accessKey") {
		return &admin.Credentials{AccessKey: call.Value("accessKey"), SecretKey: call.Value("secretKey")}, nil
	}
	home := env.Getenv("ROCKETMQ_HOME")
	if home == "" {
		return nil, nil
	}
	file := filepath.Join(home, "conf", "tools.yml")
	text, err := env.ReadFile(file)
	if err != nil {
		return nil, nil // most installations have none
	}
	var found struct {
		AccessKey string `yaml:"accessKey"`
		SecretKey string `yaml:"secretKey"`
	}
	if err := yaml.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("the credentials in %s cannot be read: %w", file, err)
	}
	if found.AccessKey == "" || found.SecretKey == "" {
		return nil, nil
	}
	return &admin.Credentials{AccessKey: found.AccessKey, SecretKey: found.SecretKey}, nil
}
