package metrics

// compression counts answers that are compressed, by their codings.
type compression struct{ answers, read, written words }

func newCompression() compression {
	return compression{
		answers: words{family: family{"postern_compression_answers_total", "counter", "Answers that were compressed."}, label: "coding"},
		read:    words{family: family{"postern_compression_read_bytes_total", "counter", "Bytes of answers before they were compressed."}, label: "coding"},
		written: words{family: family{"postern_compression_written_bytes_total", "counter", "Bytes that they became."}, label: "coding"},
	}
}

func (c *compression) write(p *page) {
	c.answers.write(p)
	c.read.write(p)
	c.written.write(p)
}

// Compressed counts the answers with a content coding.
func (i *Instruments) Compressed(coding string) *Counter { return i.coded.answers.counter(coding) }

// CompressedRead counts their bytes before.
func (i *Instruments) CompressedRead(coding string) *Counter { return i.coded.read.counter(coding) }

// CompressedWritten counts their bytes after.
func (i *Instruments) CompressedWritten(coding string) *Counter {
	return i.coded.written.counter(coding)
}
