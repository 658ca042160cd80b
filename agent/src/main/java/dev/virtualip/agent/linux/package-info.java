/**
 * Linux: rtnetlink and generic netlink through {@code java.lang.foreign}, packet capture, raw
 * sockets and the socket of a service manager. {@code Libc} makes the calls; {@code
 * NetlinkRequests} and {@code NetlinkMessage} encode and decode messages, {@code IpvsRequests} and
 * {@code IpvsMessage} those of IPVS, {@code NftRequests} and {@code NftMessage} those of nftables;
 * {@link dev.virtualip.agent.linux.Netlink}, {@link dev.virtualip.agent.linux.NetlinkMonitor},
 * {@link dev.virtualip.agent.linux.Ipvs} and {@link dev.virtualip.agent.linux.Nft} work with them.
 */
package dev.virtualip.agent.linux;
