SELECT revision, created_at, incarnation FROM installation
