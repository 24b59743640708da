-- Which system's data were loaded, in which size. A load that was cut short is recognised by its state.
CREATE TABLE testbed_seeds (
    system TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL
);
