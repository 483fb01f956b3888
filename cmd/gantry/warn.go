package main

import "github.com/sirupsen/logrus"

func warn(log *logrus.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn(w)
	}
}
