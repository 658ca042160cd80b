/**
 * Reads keepalived.conf as keepalived 2.2 to 2.4 does, and translates it to VirtualIPs. From the
 * bottom up: {@code Lines} (includes, conditions, definitions), {@code Parser} (a tree of {@code
 * Directive}), the translation of one host, {@code Merge} of several, {@code Repair} of what the
 * API refuses. {@code Report} knows what became of each directive.
 */
package dev.virtualip.vip.keepalived;
