/*
 * capabilities: sets of capabilities(7), one bit for each by its number, and how a process is
 * left with no more than such a set.
 */
#ifndef CAPABILITIES_H
#define CAPABILITIES_H

/* Also those that a later kernel may have. */
#define CAPABILITIES_ALL (~0ULL)

/* Those that Docker leaves to a container. */
extern const unsigned long long capabilities_default;

/*
 * The set that a comma-separated list stands for: names as in capabilities(7), with or without
 * their "CAP_", "all", and "default" for those above. 0 where a name is unknown.
 */
unsigned long long capabilities_from_list(const char *list);

/*
 * Takes all but a set from the bounding set, which needs CAP_SETPCAP where there is anything to
 * take. To be called while the process is still who it was. 0, or -1 with errno.
 */
int capabilities_bound(unsigned long long set);

/*
 * The same of the permitted, effective, inheritable and, by these, ambient sets. 0, or -1 with
 * errno.
 */
int capabilities_restrict(unsigned long long set);

#endif
