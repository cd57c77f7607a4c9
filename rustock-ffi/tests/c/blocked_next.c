/*
 * A thread waits for an event with no end in sight; another stops the client. The wait ends as closed, well inside
 * the deadline, and the process has no more threads and descriptors than before the client was opened.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "rustock.h"

static int entries(const char *path) {
    DIR *folder = opendir(path);
    int count = 0;
    if (folder == NULL) return -1;
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

static void *wait_for_event(void *subscription) {
    static rustock_status status;
    rustock_event *event = NULL;
    status = rustock_subscription_next(subscription, 60000, &event, NULL);
    if (event != NULL) rustock_event_free(event);
    return &status;
}

static int check(bool holds, const char *what) {
    if (!holds) fprintf(stderr, "%s\n", what);
    return holds ? 0 : 1;
}

static int run(const char *data_dir) {
    rustock_config *config = NULL;
    rustock_client *client = NULL;
    rustock_subscription *subscription = NULL;
    rustock_stop_report report = {.struct_size = sizeof report};
    void *status = NULL;
    pthread_t waiter;
    int failures = 0;

    failures += check(rustock_config_new(RUSTOCK_NETWORK_SIMNET, &config, NULL) == RUSTOCK_STATUS_OK, "config");
    failures += check(rustock_config_set_data_dir(config, data_dir, strlen(data_dir), NULL) == RUSTOCK_STATUS_OK,
                      "data dir");
    failures += check(rustock_client_open(config, &client, NULL) == RUSTOCK_STATUS_OK, "open");
    rustock_config_free(config);
    failures += check(rustock_client_start(client, NULL) == RUSTOCK_STATUS_OK, "start");
    failures += check(
        rustock_client_subscribe(client, NULL, 0, 100, &subscription, NULL) == RUSTOCK_STATUS_OK, "subscribe");
    if (failures != 0 || pthread_create(&waiter, NULL, wait_for_event, subscription) != 0) return 1;

    failures += check(rustock_client_stop(client, 5000, &report, NULL) == RUSTOCK_STATUS_OK, "stop");
    failures += check(report.in_time, "everything ended in time");
    pthread_join(waiter, &status);
    failures += check(*(rustock_status *)status == RUSTOCK_STATUS_CLOSED, "the wait ended as closed");
    rustock_subscription_free(subscription);
    rustock_client_free(client);
    return failures;
}

int main(int argc, char **argv) {
    int threads, descriptors, failures;
    if (argc != 2) return 2;
    /* The first run warms up what a process keeps for good, such as the runtime's signal pipe. */
    failures = run(argv[1]);
    threads = entries("/proc/self/task");
    descriptors = entries("/proc/self/fd");
    failures += run(argv[1]);
    failures += check(entries("/proc/self/task") == threads, "no thread is left");
    failures += check(entries("/proc/self/fd") == descriptors, "no descriptor is left");
    return failures == 0 ? 0 : 1;
}
