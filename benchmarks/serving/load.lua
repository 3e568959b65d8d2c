-- The same body for every request, and a header that says who asks: one of a hundred customers.
-- Requests are put together before the first is sent, so that wrk takes little of the machine.
local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local body = file:read("*a")
  file:close()
  for customer = 1, 100 do
    wrk.headers["x-customer"] = "customer-" .. customer
    requests[customer] = wrk.format("POST", nil, wrk.headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'FOUND {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
