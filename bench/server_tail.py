"""What stalls of the machine do to the latencies of a server that computes in batches: a simulation, without a model.

usage: server_tail.py [--step-ms 0.45] [--row-ms 0.25] [--prompt 10] [--tokens 19] [--max-batch 64] [--requests 4000]

A step takes step-ms and row-ms for each row; a request is one step with its prompt and one for each further token; requests
arrive at a share of what the server can do. The defaults are those of shop-gpt2 on two cores with AVX2. Next to what
`server_load.py --only trace` measures, this says which part of p99 / p50 is the server's and which the machine's.
"""
import argparse
import random

STALLS = ((0, 0), (5, 0.02), (5, 0.05), (1, 0.02), (1, 0.05))  # every so many seconds, seconds


def capacity(a):
    """Requests a second with a full batch."""
    return a.max_batch / (a.tokens * a.step + a.max_batch * a.row * (a.tokens - 1 + a.prompt))


def latencies(a, rate, poisson, every, stall):
    generator = random.Random(1)
    due, at = [], 0.0
    for _ in range(a.requests):
        at += generator.expovariate(rate) if poisson else 1 / rate
        due.append(at)
    now, n_admitted, running, done, next_stall = 0.0, 0, [], [], every or float("inf")
    while len(done) < a.requests:
        if not running and due[n_admitted] > now:
            now = due[n_admitted]
        while n_admitted < a.requests and due[n_admitted] <= now and len(running) < a.max_batch:
            running.append([due[n_admitted], a.tokens])
            n_admitted += 1
        now += a.step + a.row * sum(a.prompt if left == a.tokens else 1 for _, left in running)
        if now > next_stall:
            now += stall
            next_stall += every
        for request in running:
            request[1] -= 1
            if not request[1]:
                done.append(now - request[0])
        running = [request for request in running if request[1]]
    return sorted(done)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--step-ms", type=float, default=0.45)
    p.add_argument("--row-ms", type=float, default=0.25)
    p.add_argument("--prompt", type=int, default=10)
    p.add_argument("--tokens", type=int, default=19)
    p.add_argument("--max-batch", type=int, default=64)
    p.add_argument("--requests", type=int, default=4000)
    a = p.parse_args()
    a.step, a.row = a.step_ms / 1000, a.row_ms / 1000
    print("capacity %.0f requests a second" % capacity(a))
    for poisson in (False, True):
        for every, stall in STALLS:
            line = "%-8s %-22s" % ("Poisson" if poisson else "even", "%.0f ms each %d s" % (1000 * stall, every) if every else "no stall")
            for share in (0.3, 0.7):
                values = latencies(a, share * capacity(a), poisson, every, stall)
                p50, p99 = 1000 * values[len(values) // 2], 1000 * values[int(0.99 * len(values))]
                line += "  at %.0f %%: p50 %5.1f, p99 %5.1f ms, %4.2f" % (100 * share, p50, p99, p99 / p50)
            print(line)


if __name__ == "__main__":
    main()
