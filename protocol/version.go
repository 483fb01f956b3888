package protocol

import "strings"

// Version is the release number that a client or server gives in the header
// field version: the position of the release in upstream's MQVersion list.
type Version int32

// The versions that behaviour depends on, and the one that Gantry answers with.
const (
	V3_0_7_SNAPSHOT Version = 28
	V3_0_11         Version = 37
	V3_1_8_SNAPSHOT Version = 62
	V3_4_9          Version = 121
	V4_1_0          Version = 233
	V4_9_3          Version = 399
	V4_9_4          Version = 401
	V5_0_0          Version = 413
	V5_3_1          Version = 475
	V5_5_0          Version = 513
	// CurrentVersion is what Gantry reports in answers and registrations.
	// Clients read the version of a broker from it and choose features by it.
	CurrentVersion = V5_5_0
)

// Language is the implementation language that a peer names in its commands.
type Language uint8

// The languages of 5.5.0, by their number in the binary header.
const (
	LanguageJava Language = iota
	LanguageCPP
	LanguageDotNet
	LanguagePython
	LanguageDelphi
	LanguageErlang
	LanguageRuby
	LanguageOther
	LanguageHTTP
	LanguageGo
	LanguagePHP
	LanguageOMS
	LanguageRust
	LanguageNodeJS
)

var languageNames = [...]string{
	"JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS", "RUST", "NODE_JS",
}

// String is the name that the JSON header carries.
func (l Language) String() string {
	if int(l) < len(languageNames) {
		return languageNames[l]
	}
	return languageNames[LanguageOther]
}

// ParseLanguage finds the language of a JSON header by its name.
func ParseLanguage(name string) (Language, bool) {
	for i, n := range languageNames {
		if n == name {
			return Language(i), true
		}
	}
	for i, n := range languageNames {
		if strings.EqualFold(n, name) {
			return Language(i), true
		}
	}
	return LanguageOther, false
}
