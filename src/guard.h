/*
 * guard: a process of the host that does nothing but outlive the container, whose
 * outer process may be killed, and then takes away what was made on the host for it.
 */
#ifndef GUARD_H
#define GUARD_H

/*
 * Starts it, before anything is made; path is the control socket's, which it removes
 * where nobody listens there any more. Returns a descriptor, close-on-exec, which the
 * outer process and the inner one hold: when both are gone, the guard acts. Ends the
 * process where it fails.
 */
int guard_start(const char *path);

/* Lets go of the descriptor, and waits until the guard has done its work. */
void guard_end(int guard);

#endif
