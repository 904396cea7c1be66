/*
 * devices: a /dev with what every program may count on, and nothing of the host's.
 */
#ifndef DEVICES_H
#define DEVICES_H

/*
 * Our own terminal, for the container's console, as a mount that is mounted nowhere;
 * -1: we have none. To be asked while the host's /dev is still to be seen.
 */
int devices_terminal(void);

/*
 * Fills the mount of an empty directory, itself mounted: the nodes of host, a /dev, are mounted
 * there. A node made there would be the same device, but would need a file system on which the
 * container could make others. Takes terminal over. 0, or -1 with errno.
 */
int devices_fill(int mount, int host, int terminal);

#endif
