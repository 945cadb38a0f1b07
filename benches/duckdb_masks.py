"""The peer of gate/benches/mask_scan.rs: the same three masks in DuckDB's SQL over the same file.

    pip install duckdb
    python benches/duckdb_masks.py FILE

Prints the best of several runs on two threads, bare and masked.
"""

import sys
import time

import duckdb

RUNS = 5
THREADS = 2
BARE = "SELECT id_card, name, mobile FROM read_parquet(?)"
# The surname rule knows compound surnames only in the gate; here it is the simple one, in DuckDB's favour.
MASKED = """
SELECT left(id_card, 6) || repeat('*', length(id_card) - 6) AS id_card,
       left(name, 1) || repeat('*', length(name) - 1) AS name,
       left(mobile, 3) || repeat('*', length(mobile) - 7) || right(mobile, 4) AS mobile
FROM read_parquet(?)
"""


def best(connection, sql, path):
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        reader = connection.execute(sql, [path]).fetch_record_batch(100_000)
        rows = sum(batch.num_rows for batch in reader)
        times.append(time.perf_counter() - started)
        assert rows == 5_000_000, rows
    return min(times)


def main():
    path = sys.argv[1]
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    bare, masked = best(connection, BARE, path), best(connection, MASKED, path)
    print(f"| DuckDB {duckdb.__version__}, {THREADS} threads | s | × bare |")
    print("|---|---|---|")
    print(f"| bare scan | {bare:.3f} | 1.00 |")
    print(f"| three masks in SQL | {masked:.3f} | {masked / bare:.2f} |")


if __name__ == "__main__":
    main()
