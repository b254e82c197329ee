/* A Modbus TCP server on libmodbus, for up to some connections at once.
   usage: server PORT
   build: gcc modbus_libmodbus.c -o server $(pkg-config --cflags --libs libmodbus)
   Its registers are those of modbus_pymodbus.py. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

enum { N = 200 };

static void fill(modbus_mapping_t *map) {
  static const unsigned short at10[] = {
      0x42f6, 0xe979,                 /* 10: float32 123.456, ABCD */
      0xe979, 0x42f6,                 /* 12: CDAB */
      0xf642, 0x79e9,                 /* 14: BADC */
      0x79e9, 0xf642,                 /* 16: DCBA */
      0,      0,                      /* 18 */
      0x405e, 0xdd2f, 0x1a9f, 0xbe77, /* 20: float64 123.456 */
      0xffff, 0xffff, 0xffff, 0xfffe, /* 24: int64 -2 */
      0,      0,                      /* 28 */
      0x5052, 0x4553, 0x532d, 0x3031, /* 30: PRESS-01 */
      0,      0,      0,      0,      /* 34 */
      0,      0,                      /* 38 */
      0x8004,                         /* 40: bits 2 and 15 */
      0xfffb,                         /* 41: int16 -5 */
  };
  for (int i = 0; i < N; i++) {
    map->tab_bits[i] = i % 2;
    map->tab_input_bits[i] = i % 3 == 0;
    map->tab_registers[i] = i;
    map->tab_input_registers[i] = i + 1000;
  }
  memcpy(map->tab_registers + 10, at10, sizeof at10);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  modbus_t *m = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
  modbus_mapping_t *map = modbus_mapping_new(N, N, N, N);
  if (!m || !map) return 1;
  fill(map);
  int listener = modbus_tcp_listen(m, 16), last = listener;
  if (listener < 0) {
    perror("listen");
    return 1;
  }
  fd_set all, ready;
  FD_ZERO(&all);
  FD_SET(listener, &all);
  for (;;) {
    ready = all;
    if (select(last + 1, &ready, 0, 0, 0) < 0) return 1;
    for (int fd = 0; fd <= last; fd++) {
      if (!FD_ISSET(fd, &ready)) continue;
      if (fd == listener) {
        int s = listener;
        int c = modbus_tcp_accept(m, &s);
        if (c < 0) continue;
        FD_SET(c, &all);
        if (c > last) last = c;
        continue;
      }
      unsigned char q[MODBUS_TCP_MAX_ADU_LENGTH];
      modbus_set_socket(m, fd);
      int n = modbus_receive(m, q);
      if (n > 0) n = modbus_reply(m, q, n, map);
      if (n < 0 && errno != EMBXILADD && errno != EMBXILVAL && errno != EMBXILFUN) {
        close(fd);
        FD_CLR(fd, &all);
      }
    }
  }
}
