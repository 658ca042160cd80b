/**
 * rtnetlink through {@code java.lang.foreign}: {@code Libc} makes the calls, {@code
 * NetlinkRequests} and {@code NetlinkMessage} know the bytes, {@link
 * dev.virtualip.agent.linux.Netlink} and {@link dev.virtualip.agent.linux.NetlinkMonitor} know what
 * they mean.
 */
package dev.virtualip.agent.linux;
