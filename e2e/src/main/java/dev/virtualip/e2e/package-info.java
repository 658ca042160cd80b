/** The demo: a scenario in a cluster in the lab. */
package dev.virtualip.e2e;
