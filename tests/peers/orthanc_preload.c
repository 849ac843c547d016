/* What Orthanc 1.10 as Debian builds it has no option for. Loaded before it with LD_PRELOAD.

   It listens on every address of the machine: a test server belongs on loopback only.

   Its web server, Debian's civetweb 1.15, leaves a query percent-encoded unless the option
   decode_query_string is set, and Orthanc does not set it. Orthanc's own builds hold an older
   civetweb that always decodes. ORTHANC_DECODES_QUERY=yes makes this one do so too. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int bind(int socket, const struct sockaddr *address, socklen_t length) {
    static int (*real_bind)(int, const struct sockaddr *, socklen_t);
    if (!real_bind) real_bind = dlsym(RTLD_NEXT, "bind");

    if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in copy;
        memcpy(&copy, address, sizeof copy);
        copy.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return real_bind(socket, (struct sockaddr *)&copy, sizeof copy);
    }
    if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 copy;
        memcpy(&copy, address, sizeof copy);
        copy.sin6_addr = in6addr_loopback;
        return real_bind(socket, (struct sockaddr *)&copy, sizeof copy);
    }
    return real_bind(socket, address, length);
}

void *mg_start(const void *callbacks, void *user_data, const char **options) {
    static void *(*real_start)(const void *, void *, const char **);
    if (!real_start) real_start = dlsym(RTLD_NEXT, "mg_start");

    const char *wanted = getenv("ORTHANC_DECODES_QUERY");
    if (!wanted || strcmp(wanted, "yes") != 0) return real_start(callbacks, user_data, options);

    size_t count = 0;
    while (options && options[count]) count++;
    const char **more = calloc(count + 3, sizeof *more);
    if (!more) return NULL;
    for (size_t i = 0; i < count; i++) more[i] = options[i];
    more[count] = "decode_query_string";
    more[count + 1] = "yes";
    /* civetweb copies the options: ours may go. */
    void *context = real_start(callbacks, user_data, more);
    free(more);
    return context;
}
