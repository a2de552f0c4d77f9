/* spandsp's caller-ID receiver beside ours: `cc -O2 fsk.c -o fsk -lspandsp`, then `caller_id_quality` with CALLER_ID_PEER=./fsk.
 *
 * Argument: bell202 or v23. Standard input: for each recording its samples (a count of 32 bits, then so many of 16 bits, in the
 * machine's order). Standard output: a line for each, the octets of its messages in hexadecimal, a blank after each; and at the
 * end, on standard error, nanoseconds per sample. */
#define _GNU_SOURCE
#include <spandsp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void message(void *user, const uint8_t *octets, int length)
{
    (void) user;
    for (int i = 0; i < length; i++)
        printf("%02x", octets[i]);
    putchar(' ');
}

int main(int argc, char **argv)
{
    int standard = argc > 1 && strcmp(argv[1], "v23") == 0 ? ADSI_STANDARD_CLIP : ADSI_STANDARD_CLASS;
    uint32_t count;
    double nanoseconds = 0, samples = 0;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        int16_t *sound = malloc((count + 1) * sizeof *sound);
        if (!sound || fread(sound, sizeof *sound, count, stdin) != count)
            return 1;
        adsi_rx_state_t *receiver = adsi_rx_init(NULL, standard, message, NULL);
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (uint32_t at = 0; at < count; at += 40)
            adsi_rx(receiver, sound + at, count - at < 40 ? count - at : 40);
        clock_gettime(CLOCK_MONOTONIC, &to);
        nanoseconds += (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
        samples += count;
        adsi_rx_free(receiver);
        free(sound);
        putchar('\n');
    }
    fprintf(stderr, "%.2f\n", nanoseconds / samples);
    return 0;
}
