package main

import (
	"os"

	"github.com/sirupsen/logrus"
)

// newLogger writes text to a terminal and JSON to anything else.
func newLogger() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(os.Stdout)
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true})
	} else {
		log.SetFormatter(&logrus.JSONFormatter{})
	}
	if level, err := logrus.ParseLevel(os.Getenv("GANTRY_LOG_LEVEL")); err == nil {
		log.SetLevel(level)
	}
	return log
}
