#!/bin/sh
# calls.sh HOST SECONDS SEED: random calls (calls.lua), 1,000 a process, each with the next seed, until the seconds
# are over. Ends at the first fault, which its seed shows again: calls.sh HOST 1 SEED.
host=$1 seconds=$2 seed=$3 count=1000 runs=0
script=$(cd "$(dirname "$0")" && pwd)/calls.lua
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$end" ]; do
  rm -rf "$folder"/* "$folder"/.[!.]*
  "$host" "$script" "$seed" "$count" "$folder" >/dev/null 2>"$folder.log" || {
    tail -n 100 "$folder.log"
    rm -f "$folder.log"
    echo "random calls: seed $seed fails, after $((runs * count)) calls that were well"
    exit 1
  }
  rm -f "$folder.log"
  seed=$((seed + 1)) runs=$((runs + 1))
done
echo "random calls: $((runs * count)), up to seed $((seed - 1))"
