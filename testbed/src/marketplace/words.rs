//! The words that generated names are made of. All ASCII, so that lower case means the same in
//! every database.

pub(super) const CATEGORIES: &[&str] = &[
    "Cement",
    "Bricks",
    "Timber",
    "Paint",
    "Tiles",
    "Roofing",
    "Insulation",
    "Plumbing",
    "Wiring",
    "Lighting",
    "Doors",
    "Windows",
    "Flooring",
    "Fasteners",
    "Hand Tools",
    "Power Tools",
    "Ladders",
    "Adhesives",
    "Sealants",
    "Plaster",
    "Drywall",
    "Steel",
    "Aggregates",
    "Fencing",
    "Decking",
    "Drainage",
    "Heating",
    "Ventilation",
    "Bathrooms",
    "Kitchens",
    "Locks",
    "Safety",
    "Workwear",
    "Scaffolding",
    "Landscaping",
    "Paving",
    "Glass",
    "Solar",
    "Storage",
    "Cleaning",
];

pub(super) const ADJECTIVES: &[&str] = &[
    "Heavy", "Light", "Classic", "Compact", "Premium", "Basic", "Rugged", "Smooth", "Quick", "Solid", "Slim",
    "Wide", "Double", "Flexible", "Outdoor", "Indoor",
];

pub(super) const MATERIALS: &[&str] = &[
    "Oak",
    "Pine",
    "Steel",
    "Copper",
    "Brass",
    "Granite",
    "Slate",
    "Marble",
    "Concrete",
    "Ceramic",
    "Rubber",
    "Nylon",
    "Zinc",
    "Cork",
    "Birch",
    "Limestone",
];

pub(super) const NOUNS: &[&str] = &[
    "Panel", "Beam", "Bracket", "Hinge", "Pipe", "Valve", "Board", "Tile", "Bolt", "Anchor", "Trowel",
    "Hammer", "Drill", "Lamp", "Socket", "Gutter", "Lintel", "Frame", "Hatch", "Roller", "Mixer", "Saw",
    "Clamp", "Level",
];

pub(super) const DESCRIPTIONS: &[&str] = &[
    "Made for daily use on site and built to last through many winters.",
    "Fits common sizes without cutting, with all fixings in the box.",
    "Resists water and frost; for walls and floors, inside and outside.",
    "A favourite of small firms for repairs and quick renovations.",
    "Tested for high loads, with a certificate in every package.",
    "Easy to clean and to store, with a guarantee of ten years.",
    "For careful hands: a fine finish that needs no second coat.",
    "Sold by the piece or by the pallet, delivered within three days.",
    "Low dust and low noise, so that neighbours stay friends.",
    "Recycled where possible, and free of solvents throughout.",
    "The cheaper choice for cellars, sheds and garages.",
    "Comes apart for transport and goes together without tools.",
];

pub(super) const SHOP_NAMES: &[&str] = &[
    "Northside Supplies",
    "Harbour Timber",
    "Old Mill Hardware",
    "Corner Stone Depot",
    "Riverside Building",
    "Hilltop Tools",
    "Station Road Trade",
    "Market Square Fixings",
    "Greenfield Materials",
    "Eastgate Merchants",
];
