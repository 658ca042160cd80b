/** Values of the texts in a spec: addresses, prefixes, NICs, rules, durations, certificates. */
package dev.virtualip.crds.values;
