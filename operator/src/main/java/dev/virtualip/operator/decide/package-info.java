/**
 * What follows from a view of the cluster; pure: no client, and no clock but the time of the view.
 */
package dev.virtualip.operator.decide;
