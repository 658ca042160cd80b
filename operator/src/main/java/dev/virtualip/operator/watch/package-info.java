/** The cluster as last seen: event sources, the agents' liveness, and the view. */
package dev.virtualip.operator.watch;
