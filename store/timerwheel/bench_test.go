package timerwheel

import (
	"testing"
)

// BenchmarkAdd enters messages in batches of 256, for times within an hour.
func BenchmarkAdd(b *testing.B) {
	dir := b.TempDir()
	f, _ := mustOpen(b, Options{Root: dir, Checkpoint: dir + "/timercheck", Precision: 1000, FileSize: 104_857_600})
	b.ReportAllocs()
	const now = 1_750_000_000_000
	for i := range b.N {
		if err := f.Add(Unit{Marks: Normal, Written: now, Delay: int32(i % 3_600_000), Physical: int64(i), Size: 100}); err != nil {
			b.Fatal(err)
		}
		if i%256 == 255 {
			if err := f.Write(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := f.Write(); err != nil {
		b.Fatal(err)
	}
	finish(b, f, Progress{})
}

// BenchmarkChain reads the units of a slot that has a hundred thousand.
func BenchmarkChain(b *testing.B) {
	const units = 100_000
	dir := b.TempDir()
	f, _ := mustOpen(b, Options{Root: dir, Checkpoint: dir + "/timercheck", Precision: 1000, FileSize: 104_857_600})
	for i := range units {
		if err := f.Add(Unit{Marks: Normal, Written: 1000, Delay: 4000, Physical: int64(i), Size: 100}); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Write(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var c Chain
	for b.Loop() {
		if err := f.Chain(&c, 5000); err != nil || len(c.Units) != units {
			b.Fatal(len(c.Units), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/units, "ns/unit")
	finish(b, f, Progress{})
}

// BenchmarkOpen opens files in which nothing waits, after a stop that was not clean.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		f, _ := mustOpen(b, Options{Root: dir, Checkpoint: dir + "/timercheck", Precision: 1000, FileSize: 104_857_600})
		if err := f.Commit(Progress{ReadTime: 1_750_000_000_000}, 1); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
