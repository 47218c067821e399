-- One row of the table; the script writes the name into it.
done = function(summary, latency)
	local e = summary.errors
	print(string.format("| NAME | %.0f | %.2f | %.2f | %d |",
		summary.requests / (summary.duration / 1e6),
		latency:percentile(50) / 1000, latency:percentile(99) / 1000,
		e.connect + e.read + e.write + e.status + e.timeout))
end
