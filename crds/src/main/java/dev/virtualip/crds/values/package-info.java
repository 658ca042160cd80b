/** What texts of a spec stand for: addresses, prefixes, NICs, rules, durations, certificates. */
package dev.virtualip.crds.values;
