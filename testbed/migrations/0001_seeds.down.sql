DROP TABLE testbed_seeds;
