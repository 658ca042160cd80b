/**
 * The VRRP protocol as a pure function: no I/O, threads, clock or logging. The caller passes in the
 * time in nanoseconds, and gets back an ordered list of effects to perform.
 */
package dev.virtualip.agent.vrrp;
