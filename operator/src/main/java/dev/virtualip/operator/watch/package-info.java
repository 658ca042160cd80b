/** The cluster as last seen: event sources, whose reports are to be believed, and the view. */
package dev.virtualip.operator.watch;
