/**
 * {@code make bench}: the same moves of the same virtual addresses, by our agent and by Debian's
 * keepalived in turn, in the lab. The method is described in {@code docs/benchmarks.md}.
 */
package dev.virtualip.e2e.bench;
