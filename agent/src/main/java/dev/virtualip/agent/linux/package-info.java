/**
 * Linux: rtnetlink through {@code java.lang.foreign}, packet capture and raw sockets. {@code Libc}
 * makes the calls; {@code NetlinkRequests} and {@code NetlinkMessage} encode and decode messages;
 * {@link dev.virtualip.agent.linux.Netlink} and {@link dev.virtualip.agent.linux.NetlinkMonitor}
 * work with them.
 */
package dev.virtualip.agent.linux;
