/**
 * What a master holds on its node: one class per kind behind {@link
 * dev.virtualip.agent.holding.Kind}, and {@link dev.virtualip.agent.holding.Holdings}, which puts,
 * renews and releases all of them.
 */
package dev.virtualip.agent.holding;
