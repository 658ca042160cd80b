/** Decisions from a view of the cluster. Pure: no client, and no clock but the time of the view. */
package dev.virtualip.operator.decide;
