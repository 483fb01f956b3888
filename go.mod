module github.com/gantrymq/gantry

go 1.26

require (
	github.com/klauspost/compress v1.20.3
	github.com/pierrec/lz4/v4 v4.1.33
)
