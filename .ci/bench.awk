# Reads `go test -bench -benchmem` output and ends it with the bars of the design,
# each against its figure of this very run.
/^Benchmark/ {
	name = $1
	sub(/-[0-9]+$/, "", name)
	for (i = 3; i < NF; i++) if ($(i + 1) == "ns/op" && (!(name in ns) || $i < ns[name])) ns[name] = $i
	for (i = 3; i < NF; i++) if ($(i + 1) == "allocs/op") allocs[name] = $i
	for (i = 3; i < NF; i++) if ($(i + 1) == "rows/s" && (!(name in rows) || $i > rows[name])) rows[name] = $i
	for (i = 3; i < NF; i++) if ($(i + 1) == "cpu-µs/row" && (!(name in cpu) || $i < cpu[name])) cpu[name] = $i
	for (i = 3; i < NF; i++) if ($(i + 1) == "ms/MiB" && (!(name in mib) || $i < mib[name])) mib[name] = $i
	for (i = 3; i < NF; i++) if ($(i + 1) ~ /^(p99|metered|unmetered)-ns$/) {
		part = name "/" substr($(i + 1), 1, length($(i + 1)) - 3)
		if (!(part in ns) || $i < ns[part]) ns[part] = $i
	}
}
{ print; fflush() }
function verdict(ok) { return ok ? "holds" : "MISSED" }
function bar(what, name, limit,    v) {
	if (!(name in ns)) { printf "  %-62s not measured\n", what; return }
	printf "  %-62s %9.2f µs, bar %7.1f µs  %s\n", what, ns[name] / 1000, limit / 1000, verdict(ns[name] <= limit)
}
function ratio(what, ours, theirs, limit) {
	if (!(ours in ns) || !(theirs in ns)) { printf "  %-62s not measured\n", what; return }
	printf "  %-62s %9.2f µs, %.2f × of %.2f µs", what, ns[ours] / 1000, ns[ours] / ns[theirs], ns[theirs] / 1000
	if (limit) printf ", bar %.2f ×  %s", limit, verdict(ns[ours] <= limit * ns[theirs])
	printf "\n"
}
function request(size, who) { return "BenchmarkAdapterRequest/" size "/" who }
END {
	print "\nbars (best of the runs above):"
	bar("guest call: a rule plugin reads 5 features", "BenchmarkRuleCall", 3000)
	if ("BenchmarkRuleCall" in allocs) printf "  %-62s %9d, bar 0  %s\n", "  its allocations in the host", allocs["BenchmarkRuleCall"], verdict(allocs["BenchmarkRuleCall"] == 0)
	ratio("the meter: a rule call, against the same unmetered", "BenchmarkMeterCost/rule/metered", "BenchmarkMeterCost/rule/unmetered", 1.05)
	ratio("  a provider request", "BenchmarkMeterCost/request/metered", "BenchmarkMeterCost/request/unmetered", 1.05)
	slowest = ""
	for (name in mib) if (slowest == "" || mib[name] > mib[slowest]) slowest = name
	if (slowest == "") printf "  %-62s not measured\n", "validating and metering a module"
	else printf "  %-62s %9.2f ms a MiB, bar 50  %s\n", "validating and metering, " substr(slowest, 19), mib[slowest], verdict(mib[slowest] <= 50)
	ratio("a rule call beside a hostile account, against alone", "BenchmarkNeighbour/beside", "BenchmarkNeighbour/alone", 0)
	ratio("  99th percentile", "BenchmarkNeighbour/beside/p99", "BenchmarkNeighbour/alone/p99", 1.2)
	m = split("guest google openai openai-responses", who, " ")
	split("Anthropic Google OpenAI OpenAI_Responses", vendor, " ")
	n = split("10KB 300B 10KB-tools 100KB", size, " ")
	for (j = 1; j <= m; j++) {
		sub(/_/, " ", vendor[j])
		for (i = 1; i <= n; i++) {
			what = i == 1 ? "adapter request 10 KB against encoding/json, " vendor[j] : "  " size[i]
			ratio(what, request(size[i], who[j]), request(size[i], "native-json"), i == 1)
		}
	}
	bar("stream event, built anew (Anthropic)", "BenchmarkStreamEvent/anthropic", 10000)
	bar("stream event, built anew (Google)", "BenchmarkStreamEvent/google", 10000)
	bar("stream event, built anew (OpenAI Responses)", "BenchmarkStreamEvent/openai-responses", 10000)
	bar("stream event, passed through (OpenAI)", "BenchmarkStreamEvent/openai", 10000)
	bar("stream event, native (Messages)", "BenchmarkNativeEvent/messages", 10000)
	bar("stream event, native (Responses)", "BenchmarkNativeEvent/responses", 10000)
	bar("Decide, 8 system rules", "BenchmarkDecide/8_system_rules/300_B", 100000)
	bar("Decide, 1,000 rules, none matches", "BenchmarkDecide/1000_rules/300_B", 100000)
	bar("Decide, 1,000 rules, none matches, 10 KB of text", "BenchmarkDecide/1000_rules/10000_B", 100000)
	bar("Decide, 1,000 rules that all need the expr machine", "BenchmarkDecide/1000_rules_on_the_machine/300_B", 100000)
	bar("effective policy of a caller, one lookup", "BenchmarkPolicyOf", 1000)
	if ("BenchmarkPolicyOf" in allocs) printf "  %-62s %9d, bar 0  %s\n", "  its allocations", allocs["BenchmarkPolicyOf"], verdict(allocs["BenchmarkPolicyOf"] == 0)
	bar("limits: check and settle over 6 scopes", "BenchmarkReserveSettle/6_scopes", 500)
	if ("BenchmarkReserveSettle/6_scopes" in allocs) printf "  %-62s %9d, bar 0  %s\n", "  its allocations", allocs["BenchmarkReserveSettle/6_scopes"], verdict(allocs["BenchmarkReserveSettle/6_scopes"] == 0)
	bar("  from leases in hand, as replicas do", "BenchmarkReserveSettle/6_scopes_leased", 500)
	ratio("  against six map lookups and counters", "BenchmarkReserveSettle/6_scopes", "BenchmarkReserveSettleReference", 0)
	ratio("  by all cores at once, each call, against one core", "BenchmarkReserveSettle/6_scopes/parallel", "BenchmarkReserveSettle/6_scopes", 0)
	ratio("  with a bucket that all share", "BenchmarkReserveSettle/6_scopes_and_a_shared_one/parallel", "BenchmarkReserveSettle/6_scopes_and_a_shared_one", 0)
	bar("money: an attempt reserved and settled", "BenchmarkLedgerReserveSettle", 3000)
	ratio("  its two records, mapped against written", "BenchmarkReserveSettle/mapped", "BenchmarkReserveSettle/plain", 0)
	if (!("BenchmarkAddUsage/2000" in rows)) printf "  %-62s not measured\n", "ledger into Postgres"
	else printf "  %-62s %9d rows/s, bar 20000  %s\n", "ledger into Postgres, with its sums", rows["BenchmarkAddUsage/2000"], verdict(rows["BenchmarkAddUsage/2000"] >= 20000)
	if (!("BenchmarkLoadUsage/2000" in cpu) || !("BenchmarkLoadDecisions/1000" in cpu)) printf "  %-62s not measured\n", "what a request writes into SQLite"
	else {
		loaded = cpu["BenchmarkLoadUsage/2000"] + cpu["BenchmarkLoadDecisions/1000"]
		printf "  %-62s %9.2f µs, bar %7.1f µs  %s\n", "what a request writes into SQLite, in processor time", loaded, 8, verdict(loaded <= 8)
	}
	bar("a summary of a month by model, over 200,000 rows", "BenchmarkSummary", 50000000)
	bar("health: an attempt allowed and reported", "BenchmarkAllowReport/alone", 200)
	bar("  by all processors at once", "BenchmarkAllowReport/parallel", 200)
	if ("BenchmarkAllowReport/alone" in allocs) printf "  %-62s %9d, bar 0  %s\n", "  its allocations", allocs["BenchmarkAllowReport/alone"], verdict(allocs["BenchmarkAllowReport/alone"] == 0)
	bar("metrics: a request of one attempt observed", "BenchmarkObserve", 1000)
	if ("BenchmarkObserve" in allocs) printf "  %-62s %9d, bar 0  %s\n", "  its allocations", allocs["BenchmarkObserve"], verdict(allocs["BenchmarkObserve"] == 0)
	bar("rule words in 10 KB, one pass", "BenchmarkWordsScan/10KB", 15000)
}
