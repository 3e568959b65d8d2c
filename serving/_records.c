/* Requests that wait to be logged, written into memory by C.
 *
 * What serving/_records.pyi says, as serving/plain_records.py does it. Each request pays for this,
 * and by Python it pays twice: for what is executed, and for what that drives out of the caches.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#define LINE 64    /* bytes, of a cache */
#define LARGE 1024 /* from which on it pays */
#define PAGE 4096  /* bytes, of memory */
#endif

/* Where each of serving.answering.Turn's fields stands. */
enum { NAMED = 3, BEGAN = 4, REQUEST_ID = 6, ENTITY = 7, AT = 8, TURN_SIZE = 9 };

/* What serving/record_head.py says. */
#pragma pack(push, 1)
typedef struct {
    double at;
    float seconds;
    int32_t rows;
    int32_t request_id;
    int32_t entity;
    uint8_t named;
} Head;
#pragma pack(pop)

/* ---- Area ------------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    Py_buffer view;
    int number;
    Py_ssize_t used;
} Area;

static int
Area_init(Area *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"memory", "number", NULL};
    PyObject *memory;
    int number = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|i", names, &memory, &number))
        return -1;
    Py_buffer view;
    if (PyObject_GetBuffer(memory, &view, PyBUF_WRITABLE) < 0)
        return -1;
    PyBuffer_Release(&self->view);
    self->view = view;
    self->number = number;
    self->used = 0;
    return 0;
}

static void
Area_dealloc(Area *self)
{
    PyBuffer_Release(&self->view);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *
Area_memory(Area *self, void *closure)
{
    return PyMemoryView_FromObject(self->view.obj);
}

static PyObject *
Area_clear(Area *self, PyObject *nothing)
{
    self->used = 0;
    Py_RETURN_NONE;
}

static PyMethodDef Area_methods[] = {
    {"clear", (PyCFunction)Area_clear, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef Area_members[] = {
    {"size", T_PYSSIZET, offsetof(Area, view) + offsetof(Py_buffer, len), READONLY, NULL},
    {"number", T_INT, offsetof(Area, number), READONLY, NULL},
    {"used", T_PYSSIZET, offsetof(Area, used), READONLY, NULL},
    {NULL},
};

static PyGetSetDef Area_getset[] = {
    {"memory", (getter)Area_memory, NULL, NULL, NULL},
    {NULL},
};

static PyTypeObject AreaType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "serving._records.Area",
    .tp_basicsize = sizeof(Area),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Area_init,
    .tp_dealloc = (destructor)Area_dealloc,
    .tp_methods = Area_methods,
    .tp_members = Area_members,
    .tp_getset = Area_getset,
};

/* ---- Records --------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    Area *area;
    double ahead;
    double until;
    Py_ssize_t rows;
    Py_ssize_t count;
    Py_ssize_t room; /* of the two below */
    uint32_t *starts;
    uint32_t *sizes;
} Records;

static int
Records_init(Records *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"area", "ahead", NULL};
    PyObject *area;
    double ahead = 0.0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|d", names, &AreaType, &area, &ahead))
        return -1;
    Py_INCREF(area);
    Py_XSETREF(self->area, (Area *)area);
    self->ahead = ahead;
    self->until = -Py_HUGE_VAL;
    self->rows = self->count = 0;
    return 0;
}

static void
Records_dealloc(Records *self)
{
    Py_XDECREF(self->area);
    PyMem_Free(self->starts);
    PyMem_Free(self->sizes);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static int
grow(Records *self)
{
    Py_ssize_t room = self->room ? 2 * self->room : 1024;
    uint32_t *starts = PyMem_Realloc(self->starts, room * sizeof *starts);
    if (starts == NULL)
        goto failed;
    self->starts = starts;
    uint32_t *sizes = PyMem_Realloc(self->sizes, room * sizeof *sizes);
    if (sizes == NULL)
        goto failed;
    self->sizes = sizes;
    self->room = room;
    return 0;
failed:
    PyErr_NoMemory();
    return -1;
}

/* One of the values that a variant was asked. What it points to lives as long as the request. */
typedef struct {
    PyArrayObject *array;
    PyObject *texts; /* as bytes, where the input is one of texts */
    Py_ssize_t size; /* in the record */
} Value;

/* The texts of an array as a list of bytes; their sizes are added. NULL where one is no text. */
static PyObject *
encoded(PyArrayObject *array, Py_ssize_t *size)
{
    Py_ssize_t count = PyArray_SIZE(array);
    PyObject **items = PyArray_DATA(array);
    PyObject *found = PyList_New(count);
    if (found == NULL)
        return NULL;
    for (Py_ssize_t place = 0; place < count; place++) {
        /* half a pair of surrogates is no text anywhere else */
        PyObject *item = items[place] == NULL ? Py_None : items[place];
        PyObject *text = PyUnicode_AsEncodedString(item, "utf-8", "replace");
        if (text == NULL) {
            Py_DECREF(found);
            return NULL;
        }
        PyList_SET_ITEM(found, place, text);
        *size += PyBytes_GET_SIZE(text);
    }
    return found;
}

static int
looked_at(Value *value, PyObject *object)
{
    if (!PyArray_Check(object) || !PyArray_IS_C_CONTIGUOUS((PyArrayObject *)object)) {
        PyErr_SetString(PyExc_TypeError, "what is kept of a request is in contiguous arrays");
        return -1;
    }
    value->array = (PyArrayObject *)object;
    value->texts = NULL;
    value->size = PyArray_NBYTES(value->array);
    if (PyArray_TYPE(value->array) == NPY_OBJECT) {
        value->size = PyArray_SIZE(value->array) * sizeof(int32_t);
        value->texts = encoded(value->array, &value->size);
        return value->texts == NULL ? -1 : 0;
    }
    if (PyArray_TYPE(value->array) != NPY_FLOAT32) {
        PyErr_SetString(PyExc_TypeError, "what is kept of a request is float32 or text");
        return -1;
    }
    return 0;
}

static char *
put(char *to, const void *from, Py_ssize_t size)
{
    memcpy(to, from, size);
    return to + size;
}

/* The same past the caches, since nobody reads it here: what they hold is needed sooner. */
static char *
put_aside(char *to, const char *from, Py_ssize_t size)
{
#ifdef __SSE2__
    if (size >= LARGE) {
        Py_ssize_t before = -(uintptr_t)to & (LINE - 1);
        to = put(to, from, before);
        from += before;
        for (size -= before; size >= LINE; size -= LINE, from += LINE, to += LINE)
            for (int place = 0; place < LINE; place += sizeof(__m128i))
                _mm_stream_si128((__m128i *)(to + place),
                                 _mm_loadu_si128((const __m128i *)(from + place)));
        _mm_sfence(); /* before anything else tells that it is there */
    }
#endif
    return put(to, from, size);
}

/* Have at hand where the next record begins and ends, if it is as large as the one before it: else
 * it waits for memory that was last seen two batches ago. */
static void
expect(const Area *area, Py_ssize_t size)
{
#ifdef __SSE2__
    if (size < LARGE || 2 * size + PAGE > area->view.len - area->used)
        return;
    const char *next = (const char *)area->view.buf + area->used;
    _mm_prefetch(next, _MM_HINT_T0);
    _mm_prefetch(next + PAGE, _MM_HINT_T0);
    _mm_prefetch(next + size - 1, _MM_HINT_T0);
#endif
}

static char *
put_value(char *to, const Value *value)
{
    if (value->texts == NULL)
        return put_aside(to, PyArray_DATA(value->array), value->size);
    Py_ssize_t count = PyList_GET_SIZE(value->texts);
    for (Py_ssize_t place = 0; place < count; place++) {
        int32_t size = (int32_t)PyBytes_GET_SIZE(PyList_GET_ITEM(value->texts, place));
        to = put(to, &size, sizeof size);
    }
    for (Py_ssize_t place = 0; place < count; place++) {
        PyObject *text = PyList_GET_ITEM(value->texts, place);
        to = put(to, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text));
    }
    return to;
}

/* 1 where the request is kept, 0 where the area has no room for it, -1 with an exception. */
static int
keep(Records *self, Head head, PyObject *request_id, PyObject *entity, PyObject *inputs,
     PyObject *answer)
{
    Value few[8], *values = few, last = {NULL, NULL, 0};
    Py_ssize_t count = 0, texts = 0, size = sizeof head;
    int result = -1;

    if (!PyBytes_Check(request_id) || !(entity == Py_None || PyBytes_Check(entity))
        || !PyDict_Check(inputs)) {
        PyErr_SetString(PyExc_TypeError, "a request has bytes as its id and entity, and inputs");
        return -1;
    }
    if (PyDict_GET_SIZE(inputs) > (Py_ssize_t)(sizeof few / sizeof *few)) {
        values = PyMem_Malloc(PyDict_GET_SIZE(inputs) * sizeof *values);
        if (values == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    PyObject *name, *object;
    Py_ssize_t next = 0;
    while (PyDict_Next(inputs, &next, &name, &object)) {
        if (looked_at(&values[count], object) < 0)
            goto done;
        if (count == 0)
            head.rows = PyArray_NDIM(values[0].array) ? (int32_t)PyArray_DIM(values[0].array, 0) : 0;
        texts += values[count].texts != NULL;
        size += values[count++].size;
    }
    if (answer != Py_None) {
        if (looked_at(&last, answer) < 0)
            goto done;
        size += last.size;
    }
    head.request_id = (int32_t)PyBytes_GET_SIZE(request_id);
    head.entity = entity == Py_None ? -1 : (int32_t)PyBytes_GET_SIZE(entity);
    size += texts * sizeof(int32_t) + head.request_id + (head.entity > 0 ? head.entity : 0);

    Area *area = self->area;
    if (size > area->view.len - area->used) {
        result = 0;
        goto done;
    }
    if (self->count == self->room && grow(self) < 0)
        goto done;
    char *to = put((char *)area->view.buf + area->used, &head, sizeof head);
    for (Py_ssize_t place = 0; texts && place < count; place++)
        if (values[place].texts != NULL) {
            int32_t bytes = (int32_t)values[place].size;
            to = put(to, &bytes, sizeof bytes);
        }
    for (Py_ssize_t place = 0; place < count; place++)
        to = put_value(to, &values[place]);
    if (last.array != NULL)
        to = put_value(to, &last);
    to = put(to, PyBytes_AS_STRING(request_id), head.request_id);
    if (head.entity > 0)
        put(to, PyBytes_AS_STRING(entity), head.entity);
    self->starts[self->count] = (uint32_t)area->used;
    self->sizes[self->count++] = (uint32_t)size;
    self->rows += head.rows;
    area->used += size;
    expect(area, size);
    result = 1;
done:
    for (Py_ssize_t place = 0; place < count; place++)
        Py_XDECREF(values[place].texts);
    Py_XDECREF(last.texts);
    if (values != few)
        PyMem_Free(values);
    return result;
}

static int
has_area(Records *self)
{
    if (self->area == NULL)
        PyErr_SetString(PyExc_TypeError, "these records have no area");
    return self->area != NULL;
}

static PyObject *
Records_keep(Records *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"at", "seconds", "named", "request_id", "entity", "inputs", "answer",
                            NULL};
    Head head = {0};
    double seconds;
    int named;
    PyObject *request_id, *entity, *inputs, *answer;
    if (!has_area(self)
        || !PyArg_ParseTupleAndKeywords(args, kwargs, "ddpOOOO", names, &head.at, &seconds, &named,
                                        &request_id, &entity, &inputs, &answer))
        return NULL;
    head.seconds = (float)seconds;
    head.named = named != 0;
    int kept = keep(self, head, request_id, entity, inputs, answer);
    return kept < 0 ? NULL : PyBool_FromLong(kept);
}

static PyObject *
Records_take(Records *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 4 || !PyTuple_Check(args[0]) || PyTuple_GET_SIZE(args[0]) != TURN_SIZE) {
        PyErr_SetString(PyExc_TypeError, "a turn, seconds, inputs and an answer are kept");
        return NULL;
    }
    PyObject *turn = args[0];
    if (!has_area(self))
        return NULL;
    Head head = {0};
    PyObject *at = PyTuple_GET_ITEM(turn, AT);
    head.at = at == Py_None ? PyFloat_AsDouble(PyTuple_GET_ITEM(turn, BEGAN)) + self->ahead
                            : PyFloat_AsDouble(at);
    head.seconds = (float)PyFloat_AsDouble(args[1]);
    if (PyErr_Occurred())
        return NULL;
    if (at != Py_None && !(head.at < self->until))
        Py_RETURN_FALSE;
    head.named = PyTuple_GET_ITEM(turn, NAMED) == Py_True;
    int kept = keep(self, head, PyTuple_GET_ITEM(turn, REQUEST_ID), PyTuple_GET_ITEM(turn, ENTITY),
                    args[2], args[3]);
    return kept < 0 ? NULL : PyBool_FromLong(kept);
}

static PyObject *
Records_starts(Records *self, void *closure)
{
    return PyBytes_FromStringAndSize((char *)self->starts, self->count * sizeof *self->starts);
}

static PyObject *
Records_sizes(Records *self, void *closure)
{
    return PyBytes_FromStringAndSize((char *)self->sizes, self->count * sizeof *self->sizes);
}

static PyMethodDef Records_methods[] = {
    {"keep", (PyCFunction)(void (*)(void))Records_keep, METH_VARARGS | METH_KEYWORDS, NULL},
    {"take", (PyCFunction)(void (*)(void))Records_take, METH_FASTCALL, NULL},
    {NULL},
};

static PyMemberDef Records_members[] = {
    {"area", T_OBJECT_EX, offsetof(Records, area), READONLY, NULL},
    {"rows", T_PYSSIZET, offsetof(Records, rows), READONLY, NULL},
    {"until", T_DOUBLE, offsetof(Records, until), 0, NULL},
    {NULL},
};

static PyGetSetDef Records_getset[] = {
    {"starts", (getter)Records_starts, NULL, NULL, NULL},
    {"sizes", (getter)Records_sizes, NULL, NULL, NULL},
    {NULL},
};

static PyTypeObject RecordsType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "serving._records.Records",
    .tp_basicsize = sizeof(Records),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Records_init,
    .tp_dealloc = (destructor)Records_dealloc,
    .tp_methods = Records_methods,
    .tp_members = Records_members,
    .tp_getset = Records_getset,
};

/* ---- the module ------------------------------------------------------------------------ */

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "serving._records",
    .m_size = -1,
};

PyMODINIT_FUNC
PyInit__records(void)
{
    import_array();
    PyObject *made = PyModule_Create(&module);
    if (made == NULL || PyModule_AddType(made, &AreaType) < 0
        || PyModule_AddType(made, &RecordsType) < 0) {
        Py_XDECREF(made);
        return NULL;
    }
    return made;
}
