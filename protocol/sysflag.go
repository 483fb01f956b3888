package protocol

// System flags of a message (upstream's MessageSysFlag).
const (
	SysFlagCompressed  int32 = 1 << 0
	SysFlagMultiTags   int32 = 1 << 1
	SysFlagBornHostV6  int32 = 1 << 4
	SysFlagStoreHostV6 int32 = 1 << 5
	SysFlagNeedUnwrap  int32 = 1 << 6
	SysFlagInnerBatch  int32 = 1 << 7

	// SysFlagTransactionMask covers the two bits of the transaction type.
	SysFlagTransactionMask     int32 = 3 << 2
	SysFlagTransactionNot      int32 = 0
	SysFlagTransactionPrepared int32 = 1 << 2
	SysFlagTransactionCommit   int32 = 2 << 2
	SysFlagTransactionRollback int32 = 3 << 2

	// SysFlagCompressionMask covers the three bits of the compression type. No
	// bits with SysFlagCompressed mean zlib: clients before 4.9.4 know no other.
	SysFlagCompressionMask int32 = 7 << 8
	SysFlagCompressionLZ4  int32 = 1 << 8
	SysFlagCompressionZSTD int32 = 2 << 8
	SysFlagCompressionZlib int32 = 3 << 8
)

// System flags of a pull (upstream's PullSysFlag).
const (
	PullFlagCommitOffset int32 = 1 << 0
	PullFlagSuspend      int32 = 1 << 1
	PullFlagSubscription int32 = 1 << 2
	PullFlagClassFilter  int32 = 1 << 3
	PullFlagLitePull     int32 = 1 << 4
)

// System flags of a topic (upstream's TopicSysFlag).
const (
	TopicFlagUnit    int32 = 1 << 0
	TopicFlagUnitSub int32 = 1 << 1
)

// Permissions of a topic or broker (upstream's PermName).
const (
	PermInherit  int32 = 1 << 0
	PermWrite    int32 = 1 << 1
	PermRead     int32 = 1 << 2
	PermPriority int32 = 1 << 3
)

// Flags of a command, in its header field flag.
const (
	FlagResponse int32 = 1 << 0
	FlagOneway   int32 = 1 << 1
)
