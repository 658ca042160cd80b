/** Text in, typed spec or problems out; and what VirtualIPs take away from each other. */
package dev.virtualip.crds.check;
