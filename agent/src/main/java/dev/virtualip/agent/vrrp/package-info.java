/**
 * The VRRP protocol as a pure function: no I/O, threads, clock or logging. Time is a number of
 * nanoseconds that the caller passes in; what has to happen comes back as ordered effects.
 */
package dev.virtualip.agent.vrrp;
