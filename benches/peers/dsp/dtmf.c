/* spandsp's DTMF receiver in the tables of ours: `cc -O2 dtmf.c -o dtmf -lspandsp`, then the example `dtmf_quality` with
 * DTMF_PEER=./dtmf.
 *
 * Argument: filter, to have dial tone taken out. Standard input: for each recording its samples (a count of 32 bits, then so many of
 * 16 bits, in the machine's order). Standard output: a line of its digits for each. At the end, on standard error, nanoseconds
 * per sample. */
#define _GNU_SOURCE
#include <spandsp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void digits(void *user, const char *found, int length)
{
    (void) user;
    printf("%.*s", length, found);
}

int main(int argc, char **argv)
{
    int filter = argc > 1 && strcmp(argv[1], "filter") == 0;
    uint32_t count;
    double nanoseconds = 0, samples = 0;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        int16_t *sound = malloc((count + 1) * sizeof *sound);
        if (!sound || fread(sound, sizeof *sound, count, stdin) != count)
            return 1;
        dtmf_rx_state_t *receiver = dtmf_rx_init(NULL, digits, NULL);
        if (filter)
            dtmf_rx_parms(receiver, 1, -1, -1, -99);
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (uint32_t at = 0; at < count; at += 160)
            dtmf_rx(receiver, sound + at, count - at < 160 ? count - at : 160);
        clock_gettime(CLOCK_MONOTONIC, &to);
        nanoseconds += (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
        samples += count;
        dtmf_rx_free(receiver);
        free(sound);
        putchar('\n');
        fflush(stdout);
    }
    fprintf(stderr, "%.2f ns a sample\n", samples > 0 ? nanoseconds / samples : 0);
    return 0;
}
