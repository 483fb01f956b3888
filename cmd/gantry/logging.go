package main

import (
	"os"

	"github.com/sirupsen/logrus"
)

// newLogger writes to the error output: text to a terminal and JSON to anything
// else. GANTRY_LOG_LEVEL is the least level that is written, info by default.
func newLogger() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(os.Stderr)
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true})
	} else {
		log.SetFormatter(&logrus.JSONFormatter{})
	}
	if level, err := logrus.ParseLevel(os.Getenv("GANTRY_LOG_LEVEL")); err == nil {
		log.SetLevel(level)
	}
	return log
}
