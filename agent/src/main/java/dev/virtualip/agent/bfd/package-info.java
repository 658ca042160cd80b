/**
 * Bidirectional Forwarding Detection (RFC 5880) over a single hop (RFC 5881): asynchronous mode,
 * without echo, demand mode and authentication. Pure: time, randomness and packets come from
 * outside.
 */
package dev.virtualip.agent.bfd;
