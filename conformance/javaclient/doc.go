// Package javaclient has the cases that drive the official Java client, releases 4.9.8 and
// 5.5.0, and the official example programs.
//
// The cases of both releases are the same code; a case that only one of them can run says
// so in its list entry. The package knows servers by address only and leaves the Java
// processes to package javadriver.
package javaclient
